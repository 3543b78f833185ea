/** A JPEG that decodes as before and is `bytes` larger: comments (ISO/IEC 10918-1, B.2.4.5) after its first marker. */
export function padded(jpeg: Buffer, bytes: number): Buffer {
	const comments: Buffer[] = [];
	for (let left = bytes; left > 4; left -= comments.at(-1)!.length) {
		const comment = Buffer.alloc(Math.min(left, 65_537));
		comment.writeUInt16BE(0xfffe);
		comment.writeUInt16BE(comment.length - 2, 2);
		comments.push(comment);
	}
	return Buffer.concat([jpeg.subarray(0, 2), ...comments, jpeg.subarray(2)]);
}
