import { json, problem, REFUSALS } from "./api-responses.ts";
import { schemaRef } from "./api-schemas.ts";
import type { Schema } from "./schema.ts";

const tags = ["access"];
const BAD_BODY = problem("The body is not what it should be; the text names it.");
const bodyOf = (schema: Schema) => ({ required: true, content: { "application/json": { schema } } });
const named = (what: string): Schema => ({
	name: "id",
	in: "path",
	required: true,
	description: what,
	schema: { type: "string" },
});

/** The routes by which people come in and operators operate. */
export const ACCESS_PATHS = {
	"/api/session": {
		get: {
			operationId: "getSession",
			tags,
			summary: "Who one is here",
			responses: { 200: json("By the cookie or token shown.", schemaRef("Session")) },
		},
		post: {
			operationId: "enter",
			tags,
			summary: "Comes in by a link's token or a password",
			description:
				"For browsers: the answer sets a cookie. A program shows a link's token as a bearer instead.",
			requestBody: bodyOf(schemaRef("Entry")),
			responses: {
				200: json("In; the cookie says so.", schemaRef("Entered")),
				400: BAD_BODY,
				401: problem("`invalid`, `expired`, `revoked` or `wrong-password`."),
				429: problem("`too-many` passwords from this address."),
				503: problem("`busy`: many sign in at once."),
			},
		},
		delete: {
			operationId: "leave",
			tags,
			summary: "Signs out, and forgets this browser's links",
			responses: { 204: { description: "Out." } },
		},
	},
	"/api/operator": {
		get: {
			operationId: "getOperation",
			tags,
			summary: "Who watches, which links there are. Operators only",
			responses: { 200: json("All of it.", schemaRef("Operation")), ...REFUSALS },
		},
	},
	"/api/operator/links": {
		post: {
			operationId: "makeLink",
			tags,
			summary: "Makes a share link. Operators only",
			requestBody: bodyOf(schemaRef("WantedLink")),
			responses: { 201: json("Made.", schemaRef("NewLink")), 400: BAD_BODY, ...REFUSALS },
		},
	},
	"/api/operator/links/{id}": {
		delete: {
			operationId: "revokeLink",
			tags,
			summary: "Takes a share link back; who watches by it is cut off. Operators only",
			parameters: [named("The link.")],
			responses: { 204: { description: "Taken back." }, 404: problem("No such link."), ...REFUSALS },
		},
	},
	"/api/operator/viewers/{id}": {
		delete: {
			operationId: "disconnect",
			tags,
			summary: "Ends a connection. Operators only",
			parameters: [named("The connection.")],
			responses: { 204: { description: "Ended." }, 404: problem("It is gone already."), ...REFUSALS },
		},
	},
};
