import { plurals } from "../plural.js";

const many = plurals("ar");

export const list = {
  title: "المحادثات",
  conversations: "المحادثات",
  empty: "لا توجد محادثات بعد",
  emptyHint: "ابحث عن شخص ما وألقِ التحية.",
  newConversation: "محادثة جديدة",
  unread: (count: number) =>
    many(count, {
      zero: "لا رسائل غير مقروءة",
      one: "رسالة واحدة غير مقروءة",
      two: "رسالتان غير مقروءتين",
      few: "# رسائل غير مقروءة",
      many: "# رسالة غير مقروءة",
      other: "# رسالة غير مقروءة",
    }),
  nothingOpen: "اختر محادثة",
  nothingOpenHint: "ما تكتبه يُحفظ حتى يصل إلى الخادم، حتى بدون اتصال.",
};
