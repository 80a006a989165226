//! A reverse proxy before a server, which speaks TLS with the clients: nginx, set up as in `deploy/nginx`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use anyhow::Context;

use crate::load::SERVER_NAME;
use crate::pin::pinned;
use crate::place::Place;
use crate::process::{self, Cpu, Memory};
use crate::server::{accepting, end, free_address};

/// Open files of its worker: two for each client, below the usual limit of 20,000.
const FILES_MAX: u32 = 19_900;

/// What a server shows of itself by TLS, as files (PEM), removed at the end.
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    _folder: tempfile::TempDir,
}

impl Identity {
    /// Makes one, with a key of P-256.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn make(place: &Place) -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed([SERVER_NAME.to_owned()])
            .context("no certificate")?;
        let folder = tempfile::tempdir_in(&place.scratch).context("no folder for a certificate")?;
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).context("cannot write a certificate")?;
        std::fs::write(&key, made.signing_key.serialize_pem()).context("cannot write a key")?;
        Ok(Self { certificate, key, _folder: folder })
    }
}

/// A running proxy, on the servers' core. Dropping it ends it.
pub(crate) struct Proxy {
    child: Child,
    address: SocketAddr,
    /// Its configuration and logs, removed with it.
    _folder: tempfile::TempDir,
}

impl Proxy {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// nginx is not installed, or does not start.
    pub(crate) fn start(
        place: &Place,
        server: SocketAddr,
        identity: &Identity,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(&place.scratch).context("no folder for a proxy")?;
        let (address, config) = (free_address()?, folder.path().join("nginx.conf"));
        std::fs::write(&config, configuration(address, server, identity))
            .context("cannot write nginx.conf")?;
        let mut command = pinned(place.server_core, "nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&config);
        let log = folder.path().join("error.log");
        command.arg("-e").arg(&log).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().context("starting nginx (Debian: nginx-light)")?;
        let mut proxy = Self { child, address, _folder: folder };
        if let Err(error) = accepting(&mut proxy.child, address) {
            let told = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(error.context(format!("nginx does not listen: {told}")));
        }
        Ok(proxy)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn cpu(&self) -> anyhow::Result<Cpu> {
        process::family_cpu(self.child.id())
    }

    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        process::family_memory(self.child.id())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Its worker ends with it when it is asked to, and not when it is killed.
        let pid = self.child.id().to_string();
        let asked = std::process::Command::new("kill").arg(pid).status();
        if asked.is_ok_and(|status| status.success()) && self.child.wait().is_ok() {
            return;
        }
        end(&mut self.child);
    }
}

fn configuration(address: SocketAddr, server: SocketAddr, identity: &Identity) -> String {
    let (certificate, key) = (identity.certificate.display(), identity.key.display());
    format!(
        "daemon off;
worker_processes 1;
worker_rlimit_nofile {FILES_MAX};
error_log error.log warn;
pid nginx.pid;
events {{ worker_connections {FILES_MAX}; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream parlor {{ server {server}; }}
  server {{
    listen {address} ssl backlog=4096;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location /socket.io/ {{
      proxy_pass http://parlor;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_buffering off;
      proxy_read_timeout 60s;
      proxy_send_timeout 60s;
    }}
  }}
}}
"
    )
}
