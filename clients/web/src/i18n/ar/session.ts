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
  oldVersion: "الخادم أحدث من هذه الصفحة. يرجى إعادة تحميل الصفحة.",
  suspendedUntil: (time: string) => `لا يمكنك القراءة أو الكتابة هنا حتى ${time}.`,
  ended: {
    suspended: {
      title: "حسابك موقوف",
      hint: "الإيقاف بلا نهاية محددة. إن رأيت أنه خطأ فاكتب إلى القائمين على هذا الخادم.",
    },
    device_revoked: {
      title: "سُجّل خروج هذا المتصفح",
      hint: "حدث ذلك من جهاز آخر لك. يُحفظ لك ما كتبته هنا ولم يُرسل بعد.",
    },
    unauthorized: { title: "أنت غير مسجّل الدخول", hint: "لم يعد تسجيل دخولك صالحًا. يرجى تسجيل الدخول مرة أخرى." },
    token_expired: { title: "أنت غير مسجّل الدخول", hint: "انتهت صلاحية تسجيل دخولك. يرجى تسجيل الدخول مرة أخرى." },
    another_user: {
      title: "سجّل شخص آخر الدخول الآن",
      hint: "سجّل الدخول مرة أخرى للمتابعة. لا يُعرض لغيرك ما كان هنا.",
    },
    signed_out: {
      title: "خرجت من الموقع",
      hint: "يسأل Parlor الموقع الذي تستخدمه معه عن هويتك. سجّل الدخول هناك لتعود إلى هنا فورًا.",
    },
  },
  serverUnreachable: "تعذّر الوصول إلى الخادم.",
};
