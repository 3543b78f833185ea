import { constants } from "node:os";
import {
	AVERROR_DECODER_NOT_FOUND,
	AVERROR_DEMUXER_NOT_FOUND,
	AVERROR_EOF,
	AVERROR_HTTP_BAD_REQUEST,
	AVERROR_HTTP_FORBIDDEN,
	AVERROR_HTTP_NOT_FOUND,
	AVERROR_HTTP_OTHER_4XX,
	AVERROR_HTTP_SERVER_ERROR,
	AVERROR_HTTP_UNAUTHORIZED,
	AVERROR_INVALIDDATA,
	AVERROR_PATCHWELCOME,
	AVERROR_PROTOCOL_NOT_FOUND,
	AVERROR_STREAM_NOT_FOUND,
	FFmpegError,
} from "node-av";
import { SourceError, type SourceErrorReason } from "./source-error.ts";

const { errno } = constants;

const REASONS = new Map<number, SourceErrorReason>([
	[-errno.ENOENT, "not-found"],
	[AVERROR_HTTP_NOT_FOUND, "not-found"],
	[AVERROR_STREAM_NOT_FOUND, "not-found"],
	[-errno.EBUSY, "busy"],
	[-errno.EACCES, "permission"],
	[-errno.EPERM, "permission"],
	[AVERROR_HTTP_UNAUTHORIZED, "permission"],
	[AVERROR_HTTP_FORBIDDEN, "permission"],
	[-errno.ECONNREFUSED, "refused"],
	[-errno.ECONNRESET, "refused"],
	[-errno.EHOSTUNREACH, "refused"],
	[-errno.ENETUNREACH, "refused"],
	[-errno.EIO, "refused"], // also what FFmpeg makes of a host name that does not resolve
	[AVERROR_HTTP_BAD_REQUEST, "refused"],
	[AVERROR_HTTP_OTHER_4XX, "refused"],
	[AVERROR_HTTP_SERVER_ERROR, "refused"],
	[-errno.ETIMEDOUT, "timed-out"],
	[AVERROR_EOF, "ended"],
	[AVERROR_INVALIDDATA, "bad-data"],
	[-errno.ENODEV, "no-device"],
	[-errno.ENXIO, "no-device"],
	[-errno.EINVAL, "unsupported"],
	[-errno.ENOTTY, "unsupported"],
	[AVERROR_DECODER_NOT_FOUND, "unsupported"],
	[AVERROR_DEMUXER_NOT_FOUND, "unsupported"],
	[AVERROR_PATCHWELCOME, "unsupported"],
	[AVERROR_PROTOCOL_NOT_FOUND, "unsupported"],
]);

/** FFmpeg's negative code as a SourceError about `source`; what is not known counts as refused. */
export function avError(code: number, source: string): SourceError {
	const reason = REASONS.get(code) ?? "refused";
	return new SourceError(reason, `${source}: ${FFmpegError.strerror(code).toLowerCase()}`);
}
