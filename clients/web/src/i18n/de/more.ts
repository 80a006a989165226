// German for the pages that are loaded when somebody goes there.
import type { More } from "../text.js";
import { groups } from "./groups.js";
import { happened } from "./happened.js";
import { moderation } from "./moderation.js";
import { people } from "./people.js";
import { settings } from "./settings.js";

export const more: More = { groups, happened, moderation, people, settings };
