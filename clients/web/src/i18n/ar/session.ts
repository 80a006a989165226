import { plurals } from "../plural.js";

const many = plurals("ar");

export const session = {
  welcome: "مرحبًا بك في Parlor",
  tagline: "مكان للحديث.",
  devHint: "يعمل هذا الخادم بالخيار ‎--dev: يكفي أي اسم، ولا يُطلب من أحد كلمة مرور.",
  name: "اسمك",
  anotherName: "اسم آخر",
  nameHint: "حروف أو أرقام أو ما تشاء",
  recent: "أسماء استُخدمت هنا",
  continueAs: (name: string) => `المتابعة باسم ${name}`,
  forget: (name: string) => `نسيان ${name}`,
  signIn: "ابدأ المحادثة",
  signInElsewhere: "تسجيل الدخول",
  signInOther: "سجّل الدخول في الموقع أولًا",
  needsToken: "لم تسجّل الدخول. افتح Parlor من الموقع الذي تستخدمه معه.",
  signInAgain: "تسجيل الدخول مرة أخرى",
  signOut: "تسجيل الخروج",
  signOutOf: (name: string) => `تسجيل خروج ${name}`,
  signOutTitle: "هل تريد تسجيل الخروج؟",
  signOutHint: "تبقى محادثاتك على الخادم، ويُزال ما يحتفظ به هذا المتصفح منها.",
  signOutAnyway: "تسجيل الخروج وفقدانها",
  unsent: (count: number) =>
    many(count, {
      one: "رسالة واحدة لم تُرسل بعد وستضيع.",
      two: "رسالتان لم تُرسلا بعد وستضيعان.",
      few: "# رسائل لم تُرسل بعد وستضيع.",
      many: "# رسالة لم تُرسل بعد وستضيع.",
      other: "# رسالة لم تُرسل بعد وستضيع.",
    }),
  connecting: "جارٍ الاتصال…",
  catchingUp: "جارٍ جلب الرسائل…",
  offline: "لا يوجد اتصال",
  offlineRetry: (seconds: number) => `لا يوجد اتصال. محاولة أخرى بعد ${seconds} ث`,
  tryNow: "حاول الآن",
  noToken: "لا يوجد اتصال: الموقع الذي تسجّل الدخول به لا يجيب.",
  anotherUser: "سجّل شخص آخر الدخول الآن. يرجى تسجيل الدخول مرة أخرى.",
  oldVersion: "الخادم أحدث من هذه الصفحة. يرجى إعادة تحميل الصفحة.",
  suspendedUntil: (time: string) => `حسابك موقوف حتى ${time}.`,
  serverUnreachable: "تعذّر الوصول إلى الخادم.",
};
