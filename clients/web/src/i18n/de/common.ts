export const common = {
  back: "Zurück",
  cancel: "Abbrechen",
  close: "Schließen",
  save: "Speichern",
  loading: "Wird geladen …",
  more: "Mehr",
  you: "Du",
  tryAgain: "Noch einmal versuchen",
};
