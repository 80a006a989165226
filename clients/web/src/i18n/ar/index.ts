// Arabic.
import type { Catalogue } from "../text.js";
import { app } from "./app.js";
import { common } from "./common.js";
import { conversation } from "./conversation.js";
import { errors } from "./errors.js";
import { list } from "./list.js";
import { offline } from "./offline.js";
import { session } from "./session.js";

export const ar: Catalogue = { app, common, conversation, errors, list, offline, session };
