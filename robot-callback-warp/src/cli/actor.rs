//! Who works at the command line: the user the system knows this process by.

use robot_callback_core::Actor;

/// For the record.
pub(super) fn actor() -> Actor {
    Actor::new(&format!("command line {}", user().unwrap_or_else(|| "somebody".into())))
}

/// By the process's own id where the system tells it; what the environment says may be anything.
#[cfg(target_os = "linux")]
fn user() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let uid = std::fs::metadata("/proc/self").ok()?.uid();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    Some(name_of(uid, &users).unwrap_or_else(|| format!("uid {uid}")))
}

#[cfg(not(target_os = "linux"))]
fn user() -> Option<String> {
    ["USER", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok())
}

#[cfg(target_os = "linux")]
fn name_of(uid: u32, users: &str) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_the_systems_list() {
        let users = "root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000::/home/ana:/bin/sh\nodd";
        assert_eq!(name_of(1000, users).as_deref(), Some("ana"));
        assert_eq!(name_of(7, users), None);
    }
}
