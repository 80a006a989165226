// Texts of one conversation.

export const conversation = {
  messages: "Messages",
  write: "Write a message",
  send: "Send",
  sending: "Sending",
  sent: "Sent",
  delivered: "Delivered",
  read: "Read",
  failed: "Not sent",
  deleted: "This message was deleted",
};
