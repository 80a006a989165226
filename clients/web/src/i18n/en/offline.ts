// Texts of what goes on behind the page: notifications, new versions.

export const offline = {
  newVersion: "There is a new version of this page.",
  reload: "Reload",
  newMessage: "You have a new message",
  saidBy: (name: string, said: string) => `${name}: ${said}`,
};
