// Where the user is signed in, and how to end that.
import type { Device } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Laptop, MonitorSmartphone } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useAttempt, useErrorText } from "../app/errors.js";
import { useAsked } from "../asking/asked.js";
import { distanceText } from "../asking/dates.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import { Button } from "../ui/button.js";
import { ConfirmDialog } from "../ui/confirm-dialog.js";
import { EmptyState } from "../ui/empty-state.js";
import { List, ListRow } from "../ui/list-row.js";
import { showToast } from "../ui/toast.js";
import { Loading } from "../ui/wait.js";
import { Frame } from "./page-frame.js";

/** Those that can be signed out: named ones, and not this one. */
function others(devices: readonly Device[]): (Device & { deviceId: string })[] {
  return devices.filter(
    (device): device is Device & { deviceId: string } => !device.current && device.deviceId !== null,
  );
}

export function DevicesPage(): ReactNode {
  const parlor = useParlor();
  const { settings: text, common } = useMoreText();
  const attempt = useAttempt();
  const words = useErrorText();
  const [asking, ask] = useState<"all" | string | null>(null);
  const asked = useAsked<Device[]>("devices", async () => (await parlor.command("devices", {})).devices);
  const { value, error } = asked;
  const revoke = async (deviceIds: readonly string[], said: string) => {
    asked.change((devices) => devices.filter(({ deviceId }) => deviceId === null || !deviceIds.includes(deviceId)));
    const isDone = await attempt(async () => {
      for (const deviceId of deviceIds) await parlor.command("device_revoke", { deviceId });
    });
    if (isDone) showToast({ text: said });
    else asked.reload();
  };
  if (value === null) {
    return (
      <Frame title={text.pages.devices}>
        {error === null ? (
          <Loading />
        ) : (
          <EmptyState title={words(error)} action={<Button onClick={asked.reload}>{common.tryAgain}</Button>} />
        )}
      </Frame>
    );
  }
  const rest = others(value);
  const current = value.filter(({ current }) => current);
  const shared = value.filter(({ current, deviceId }) => !current && deviceId === null);
  const away = rest.map(({ deviceId }) => deviceId);
  return (
    <Frame title={text.pages.devices}>
      <List hint={text.devicesHint}>
        {current.map((device) => (
          <DeviceRow key={device.deviceId} device={device} />
        ))}
        {rest.map((device) => (
          <DeviceRow key={device.deviceId} device={device} onRevoke={() => ask(device.deviceId)} />
        ))}
        {shared.map((device) => (
          <DeviceRow key="shared" device={device} />
        ))}
      </List>
      {rest.length > 0 && (
        <List>
          <ListRow
            start={<MonitorSmartphone aria-hidden="true" />}
            title={text.revokeOthers}
            isDanger
            onSelect={() => ask("all")}
          />
        </List>
      )}
      {asking === "all" ? (
        <ConfirmDialog
          title={text.revokeOthersTitle}
          action={text.revokeOthers}
          isDanger
          onConfirm={() => void revoke(away, text.othersRevoked(away.length))}
          onClose={() => ask(null)}
        >
          {text.revokeOthersHint}
        </ConfirmDialog>
      ) : (
        asking !== null && (
          <ConfirmDialog
            title={text.revokeTitle}
            action={text.revoke}
            isDanger
            onConfirm={() => void revoke([asking], text.revoked)}
            onClose={() => ask(null)}
          >
            {text.revokeHint}
          </ConfirmDialog>
        )
      )}
    </Frame>
  );
}

function DeviceRow({ device, onRevoke }: { device: Device; onRevoke?: () => void }): ReactNode {
  const { settings: text } = useMoreText();
  const language = useLanguage();
  const { deviceId, current, createdAt, lastSeenAt, sessions } = device;
  const since = text.deviceSince(new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(createdAt));
  const state =
    sessions.length > 0
      ? `${text.deviceActive}, ${text.deviceSessions(sessions.length)}`
      : text.deviceSeen(distanceText(lastSeenAt, Date.now(), language));
  return (
    <ListRow
      start={current ? <Laptop aria-hidden="true" /> : <MonitorSmartphone aria-hidden="true" />}
      title={current ? text.thisDevice : deviceId === null ? text.sharedDevice : <bdi>{deviceId}</bdi>}
      detail={`${state} · ${since}`}
      end={onRevoke && <Button onClick={onRevoke}>{text.revoke}</Button>}
    />
  );
}
