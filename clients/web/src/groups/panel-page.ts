// What pages within a group's panel have in common.

export interface PanelPageProps {
  readonly onBack: () => void;
  readonly onClose: () => void;
}
