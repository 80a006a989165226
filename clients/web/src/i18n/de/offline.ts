// Texte dessen, was hinter der Seite geschieht: Benachrichtigungen, neue Versionen.

export const offline = {
  newVersion: "Es gibt eine neue Version dieser Seite.",
  reload: "Neu laden",
  newMessage: "Du hast eine neue Nachricht",
  saidBy: (name: string, said: string) => `${name}: ${said}`,
};
