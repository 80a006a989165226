import { plurals } from "../plural.js";

const many = plurals("ar");

export const list = {
  title: "المحادثات",
  conversations: "المحادثات",
  empty: "لا توجد محادثات بعد",
  emptyHint: "ابحث عن شخص ما وألقِ التحية.",
  unreadEmpty: "لقد قرأت كل شيء",
  groupsEmpty: "لا توجد مجموعات بعد",
  archive: "الأرشيف",
  archiveEmpty: "الأرشيف فارغ",
  archiveEmptyHint: "تبقى المحادثات المؤرشفة هنا بعيدًا عن القائمة، على جميع أجهزتك.",
  newConversation: "محادثة جديدة",
  newGroup: "مجموعة جديدة",
  nothingOpen: "اختر محادثة",
  nothingOpenHint: "ما تكتبه يُحفظ حتى يصل إلى الخادم، حتى بدون اتصال.",
  count: (count: number) => many(count, { other: "#" }),
  unread: (count: number) =>
    many(count, {
      zero: "لا رسائل غير مقروءة",
      one: "رسالة واحدة غير مقروءة",
      two: "رسالتان غير مقروءتين",
      few: "# رسائل غير مقروءة",
      many: "# رسالة غير مقروءة",
      other: "# رسالة غير مقروءة",
    }),
  unreadConversations: (count: number) =>
    many(count, {
      one: "محادثة واحدة غير مقروءة",
      two: "محادثتان غير مقروءتين",
      few: "# محادثات غير مقروءة",
      other: "# محادثة غير مقروءة",
    }),
  mentions: (count: number) =>
    many(count, {
      one: "ذُكرت مرة واحدة",
      two: "ذُكرت مرتين",
      few: "ذُكرت # مرات",
      other: "ذُكرت # مرة",
    }),
  members: (count: number) =>
    many(count, { one: "عضو واحد", two: "عضوان", few: "# أعضاء", many: "# عضوًا", other: "# عضو" }),
  requests: "طلبات المراسلة",
  requestCount: (count: number) =>
    many(count, { one: "طلب واحد", two: "طلبان", few: "# طلبات", many: "# طلبًا", other: "# طلب" }),
  filter: "أي المحادثات",
  filters: { all: "الكل", unread: "غير المقروءة", groups: "المجموعات" },
  online: "متصل",
  you: "أنت",
  noteToSelf: "ملاحظة لنفسي",
  noteToSelfHint: "لا يراها سواك",
  draft: "مسودة",
  nothingSaid: "لا رسائل بعد",
  typing: "يكتب…",
  typingBy: (names: string, count: number) => (count === 1 ? `${names} يكتب…` : `${names} يكتبون…`),
  typingMany: (count: number) =>
    many(count, {
      one: "شخص ما يكتب…",
      two: "شخصان يكتبان…",
      few: "# أشخاص يكتبون…",
      many: "# شخصًا يكتبون…",
      other: "# شخص يكتبون…",
    }),
  deleted: "رسالة محذوفة",
  expired: "رسالة منتهية",
  isMuted: "مكتومة",
  isPinned: "مثبتة",
  isMarkedUnread: "مميزة كغير مقروءة",
  actionsOf: (name: string) => `إجراءات ${name}`,
  markRead: "تمييز كمقروءة",
  markUnread: "تمييز كغير مقروءة",
  pin: "تثبيت",
  unpin: "إلغاء التثبيت",
  mute: "كتم",
  muteFor: (hours: number | null) =>
    hours === null
      ? "حتى أعيد التشغيل"
      : hours >= 168
        ? "لمدة أسبوع"
        : many(hours, { one: "لمدة ساعة", two: "لمدة ساعتين", few: "لمدة # ساعات", other: "لمدة # ساعة" }),
  unmute: "إلغاء الكتم",
  toArchive: "أرشفة",
  unarchive: "إخراج من الأرشيف",
  openInTab: "فتح في علامة تبويب جديدة",
  block: "حظر",
  blockTitle: (name: string) => `هل تريد حظر ${name}؟`,
  blockHint: "لن تصلك رسائل من هذا الشخص، ولن يرى إن كنت متصلًا. ولن يُبلَّغ بذلك.",
  blocked: (name: string) => `حُظر ${name}`,
  muted: "كُتمت المحادثة",
  unmuted: "أُلغي الكتم",
  archived: "أُرشفت المحادثة",
  unarchived: "أُخرجت من الأرشيف",
  search: "بحث",
  searchPeople: "الاسم أو المعرّف الدقيق",
  people: "الأشخاص",
  contacts: "جهات الاتصال",
  noContacts: "لا توجد جهات اتصال بعد. ابحث عن شخص باسمه.",
  messages: "الرسائل",
  moreMessages: "المزيد من الرسائل",
  nothingFound: (query: string) => `لم يُعثر على شيء لـ«${query}».`,
  writeTo: (id: string) => `الكتابة إلى «${id}»`,
  writeToHint: "الشخص صاحب هذا المعرّف تمامًا",
};
