export const conversation = {
  messages: "Nachrichten",
  write: "Nachricht schreiben",
  send: "Senden",
  sending: "Wird gesendet",
  sent: "Gesendet",
  delivered: "Zugestellt",
  read: "Gelesen",
  failed: "Nicht gesendet",
  deleted: "Diese Nachricht wurde gelöscht",
};
