export const common = {
  back: "رجوع",
  cancel: "إلغاء",
  close: "إغلاق",
  save: "حفظ",
  loading: "جارٍ التحميل…",
  more: "المزيد",
  you: "أنت",
  tryAgain: "حاول مرة أخرى",
  clear: "مسح",
  undo: "تراجع",
  done: "تم",
  ok: "حسنًا",
};
