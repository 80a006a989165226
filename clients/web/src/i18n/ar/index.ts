// Arabic.
import type { Catalogue } from "../text.js";
import { app } from "./app.js";
import { common } from "./common.js";
import { conversation } from "./conversation.js";
import { errors } from "./errors.js";
import { groups } from "./groups.js";
import { list } from "./list.js";
import { moderation } from "./moderation.js";
import { offline } from "./offline.js";
import { people } from "./people.js";
import { session } from "./session.js";
import { settings } from "./settings.js";

export const ar: Catalogue = {
  app,
  common,
  conversation,
  errors,
  groups,
  list,
  moderation,
  offline,
  people,
  session,
  settings,
};
