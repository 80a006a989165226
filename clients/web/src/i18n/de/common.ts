export const common = {
  back: "Zurück",
  cancel: "Abbrechen",
  close: "Schließen",
  save: "Speichern",
  loading: "Wird geladen …",
  more: "Mehr",
  you: "Du",
  tryAgain: "Noch einmal versuchen",
  clear: "Leeren",
  undo: "Rückgängig",
  done: "Fertig",
  ok: "OK",
};
