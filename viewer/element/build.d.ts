// What the build makes of imports that are no modules.
declare module "*?worker&inline" {
	const InlineWorker: new () => Worker;
	export default InlineWorker;
}
declare module "*.css";
