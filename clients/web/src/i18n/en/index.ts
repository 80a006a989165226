// English: the catalogue that the others are held to. What only pages need that are loaded later is in `more.ts`.

import { app } from "./app.js";
import { common } from "./common.js";
import { conversation } from "./conversation.js";
import { errors } from "./errors.js";
import { list } from "./list.js";
import { offline } from "./offline.js";
import { session } from "./session.js";

export const en = { app, common, conversation, errors, list, offline, session };
