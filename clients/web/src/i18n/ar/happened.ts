import { plurals } from "../plural.js";

const many = plurals("ar");

export const happened = {
  you: "أنت",
  youToo: "أنت",
  others: (count: number) =>
    many(count, { one: "شخص آخر", two: "شخصان آخران", few: "# آخرون", many: "# آخرون", other: "# آخرون" }),
  until: "(حتى {time})",
  created: { other: "{by} أنشأ المجموعة «{name}»", you: "أنشأتَ المجموعة «{name}»" },
  renamed: { other: "{by} سمّى المجموعة «{name}»", you: "سمّيتَ المجموعة «{name}»" },
  settings: { other: "{by} غيّر إعدادات المجموعة", you: "غيّرتَ إعدادات المجموعة" },
  rules: { other: "{by} غيّر قواعد الكلمات", you: "غيّرتَ قواعد الكلمات" },
  deleted: { other: "{by} حذف المجموعة", you: "حذفتَ المجموعة" },
  timer: {
    other: "{by} جعل الرسائل الجديدة تختفي بعد {time}",
    you: "جعلتَ الرسائل الجديدة تختفي بعد {time}",
  },
  timerOff: { other: "{by} أوقف اختفاء الرسائل", you: "أوقفتَ اختفاء الرسائل" },
  added: {
    other: "{by} أضاف {whom}",
    byYou: "أضفتَ {whom}",
    toYou: "{by} أضافك",
    toYouAnd: "{by} أضافك {whom}",
  },
  removed: {
    other: "{by} أزال {whom}",
    byYou: "أزلتَ {whom}",
    toYou: "{by} أزالك",
    toYouAnd: "{by} أزالك {whom}",
  },
  banned: {
    other: "{by} حظر {whom}",
    byYou: "حظرتَ {whom}",
    toYou: "{by} حظرك",
    toYouAnd: "{by} حظرك {whom}",
  },
  unbanned: {
    other: "{by} ألغى حظر {whom}",
    byYou: "ألغيتَ حظر {whom}",
    toYou: "{by} ألغى حظرك",
    toYouAnd: "{by} ألغى حظرك {whom}",
  },
  muted: {
    other: "{by} كتم {whom}",
    byYou: "كتمتَ {whom}",
    toYou: "{by} كتمك",
    toYouAnd: "{by} كتمك {whom}",
  },
  unmuted: {
    other: "{by} ألغى كتم {whom}",
    byYou: "ألغيتَ كتم {whom}",
    toYou: "{by} ألغى كتمك",
    toYouAnd: "{by} ألغى كتمك {whom}",
  },
  joined: { one: "انضم {whom}", you: "انضممتَ", many: "انضم {whom}", youAnd: "انضممتَ {whom}" },
  left: { one: "غادر {whom}", you: "غادرتَ", many: "غادر {whom}", youAnd: "غادرتَ {whom}" },
  roles: {
    owner: {
      one: "أصبح {whom} المالك",
      you: "أصبحتَ المالك",
      many: "أصبح {whom} من المالكين",
      youAnd: "أصبحتَ {whom} من المالكين",
    },
    admin: {
      one: "أصبح {whom} من المديرين",
      you: "أصبحتَ من المديرين",
      many: "أصبح {whom} من المديرين",
      youAnd: "أصبحتَ {whom} من المديرين",
    },
    moderator: {
      one: "أصبح {whom} من المشرفين",
      you: "أصبحتَ من المشرفين",
      many: "أصبح {whom} من المشرفين",
      youAnd: "أصبحتَ {whom} من المشرفين",
    },
    member: {
      one: "أصبح {whom} من الأعضاء العاديين",
      you: "أصبحتَ من الأعضاء العاديين",
      many: "أصبح {whom} من الأعضاء العاديين",
      youAnd: "أصبحتَ {whom} من الأعضاء العاديين",
    },
  },
};
