import { encodeHeader, type FrameHeader, viewOf } from "#shared/frame.ts";
import type { RelayedFrame } from "../../relay/camera.ts";

/** A frame of H.264 as the relay holds it; `change` overrides header fields. */
export function relayedFrame(change: Partial<FrameHeader>): RelayedFrame {
	const header: FrameHeader = {
		channel: 1,
		rendition: 204,
		codec: "h264",
		isKey: false,
		isCached: false,
		epoch: 1,
		seq: 0,
		delivery: 0,
		bodyBytes: 1,
		width: 1280,
		height: 720,
		captureTime: 0,
		encodeMs: 5,
		relayTime: 0,
		sendTime: 0,
		config: null,
		...change,
	};
	const headerBytes = encodeHeader(header);
	return { header, headerBytes, headerView: viewOf(headerBytes), body: new Uint8Array(header.bodyBytes) };
}
