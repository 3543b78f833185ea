import type { Studio, StudioTools } from "./studio.ts";

/** Makes a studio; its code comes with the first. */
export async function loadStudio(tools: StudioTools): Promise<Studio> {
	const { Studio } = await import("./studio.ts");
	return new Studio(tools);
}
