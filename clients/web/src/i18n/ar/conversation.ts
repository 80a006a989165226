export const conversation = {
  messages: "الرسائل",
  write: "اكتب رسالة",
  send: "إرسال",
  sending: "جارٍ الإرسال",
  sent: "أُرسلت",
  delivered: "وصلت",
  read: "قُرئت",
  failed: "لم تُرسل",
  deleted: "حُذفت هذه الرسالة",
};
