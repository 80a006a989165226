// نصوص ما يجري خلف الصفحة: الإشعارات والإصدارات الجديدة.

export const offline = {
  newVersion: "يوجد إصدار جديد من هذه الصفحة.",
  reload: "إعادة التحميل",
  newMessage: "لديك رسالة جديدة",
  saidBy: (name: string, said: string) => `${name}: ${said}`,
};
