//! Who is at the other end of a connection.

use std::os::unix::net::UnixStream;

/// Whether the client is of this server's user, or root.
#[cfg(target_os = "linux")]
pub(super) fn is_trusted(client: &UnixStream) -> bool {
    let own = rustix::process::geteuid();
    rustix::net::sockopt::socket_peercred(client).is_ok_and(|peer| peer.uid == own || peer.uid.is_root())
}

/// The socket's mode alone decides where the system's way of asking is not known to this program.
#[cfg(not(target_os = "linux"))]
pub(super) const fn is_trusted(_client: &UnixStream) -> bool {
    true
}
