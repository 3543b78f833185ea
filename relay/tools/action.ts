const ACTIONS = ["snapshot", "stream"] as const;

/** What a request at the page's own address asks for by mjpg-streamer's `/?action=`; null when it is for the page. */
export function actionOf(request: Request): (typeof ACTIONS)[number] | null {
	const asked = new URL(request.url).searchParams.get("action");
	return ACTIONS.find((action) => action === asked) ?? null;
}
