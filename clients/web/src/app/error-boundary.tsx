// What is shown in place of a part that failed: a way back, and the rest of the page as it was.
import { TriangleAlert } from "lucide-react";
import { Component, type ReactNode } from "react";
import { useText } from "../i18n/text.js";
import { Button } from "../ui/button.js";
import { EmptyState } from "../ui/empty-state.js";
import { go } from "./route.js";

interface Props {
  readonly children: ReactNode;
  /** When this changes it is tried again. */
  readonly place: string;
}

/** A class, for React has no function that catches. */
export class ErrorBoundary extends Component<Props, { isFailed: boolean }> {
  override state = { isFailed: false };

  static getDerivedStateFromError(): { isFailed: boolean } {
    return { isFailed: true };
  }

  override componentDidCatch(error: Error): void {
    console.error(error);
  }

  override componentDidUpdate(before: Props): void {
    if (this.state.isFailed && before.place !== this.props.place) this.setState({ isFailed: false });
  }

  override render(): ReactNode {
    if (!this.state.isFailed) return this.props.children;
    return <Failed onBack={() => this.setState({ isFailed: false })} />;
  }
}

function Failed({ onBack }: { onBack: () => void }): ReactNode {
  const { errors } = useText();
  const back = () => {
    go({ name: "home" });
    onBack();
  };
  return (
    <div role="alert">
      <EmptyState
        icon={<TriangleAlert />}
        title={errors.crashed}
        hint={errors.crashedHint}
        action={
          <>
            <Button kind="primary" onClick={back}>
              {errors.crashedBack}
            </Button>
            <Button kind="quiet" onClick={() => location.reload()}>
              {errors.reload}
            </Button>
          </>
        }
      />
    </div>
  );
}
