//! The memory that the system lets this process use: the limit of its cgroup, or the memory of the machine.

use std::path::{Path, PathBuf};

/// Limit of a cgroup of version 1 above which the kernel means "no limit".
const UNLIMITED: u64 = 1 << 60;
/// Memory of a machine whose size cannot be read: 1 GiB.
const UNKNOWN_BYTES: u64 = 1 << 30;

/// The memory that the system lets this process use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// The limit in bytes.
    pub bytes: u64,
    /// Where the limit was found: `cgroup` or `machine`.
    pub source: &'static str,
}

/// Reads the limit: the smaller one of the machine's memory and of the limits of the process's cgroup and of all its
/// ancestors, in version 1 and 2.
pub fn system_limit() -> MemoryLimit {
    limit_under(Path::new("/"))
}

/// Reads the limit from the files under `root`, which is `/` but in tests.
fn limit_under(root: &Path) -> MemoryLimit {
    let machine = machine_bytes(root).unwrap_or(UNKNOWN_BYTES);
    match cgroup_bytes(root) {
        Some(bytes) if bytes < machine => MemoryLimit { bytes, source: "cgroup" },
        _ => MemoryLimit { bytes: machine, source: "machine" },
    }
}

/// Reads `MemTotal` of `/proc/meminfo`.
fn machine_bytes(root: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let kilobytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    kilobytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Reads the smallest limit of the groups of this process.
fn cgroup_bytes(root: &Path) -> Option<u64> {
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    groups.lines().filter_map(|line| group_bytes(root, line)).min()
}

/// Reads the smallest limit of the group in a line `ID:CONTROLLERS:PATH` of `/proc/self/cgroup` and of its ancestors.
///
/// Inside a container the path may be that of the host, which does not exist there. Then the group is the root of the
/// mount.
fn group_bytes(root: &Path, line: &str) -> Option<u64> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    let (mounts, file): (&[&str], _) = match controllers {
        "" => (&["sys/fs/cgroup", "sys/fs/cgroup/unified"], "memory.max"),
        names if names.split(',').any(|name| name == "memory") => {
            (&["sys/fs/cgroup/memory"], "memory.limit_in_bytes")
        }
        _ => return None,
    };
    let limits = mounts.iter().flat_map(|mount| {
        let mount = root.join(mount);
        let group = mount.join(path.trim_start_matches('/'));
        let ancestors: Vec<PathBuf> =
            group.ancestors().take_while(|at| at.starts_with(&mount)).map(Path::to_owned).collect();
        ancestors.into_iter().filter_map(move |at| read_bytes(&at.join(file)))
    });
    limits.min()
}

/// Reads a limit. `None` if the file is missing or means "no limit".
fn read_bytes(path: &Path) -> Option<u64> {
    let bytes: u64 = std::fs::read_to_string(path).ok()?.trim().parse().ok()?;
    (bytes < UNLIMITED).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A root folder with these files.
    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    const MEMORY: (&str, &str) = ("proc/meminfo", "MemTotal:       8000000 kB\nMemFree: 1 kB\n");

    fn limit(files: &[(&str, &str)]) -> (u64, &'static str) {
        let folder = root(files);
        let found = limit_under(folder.path());
        (found.bytes, found.source)
    }

    #[test]
    fn the_machine_counts_without_a_group() {
        assert_eq!(limit(&[MEMORY]), (8_192_000_000, "machine"));
        assert_eq!(limit(&[]), (UNKNOWN_BYTES, "machine"));
        let unlimited = [
            MEMORY,
            ("proc/self/cgroup", "4:memory:/a\n0::/\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n"),
        ];
        assert_eq!(limit(&unlimited), (8_192_000_000, "machine"));
    }

    #[test]
    fn the_smallest_limit_of_a_group_and_its_ancestors_counts() {
        let version_1 = [
            MEMORY,
            ("proc/self/cgroup", "9:name=systemd:/x\n4:cpu,memory:/a/b\n"),
            ("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "700000000\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "536870912\n"),
        ];
        assert_eq!(limit(&version_1), (536_870_912, "cgroup"));
        let version_2 = [
            MEMORY,
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("sys/fs/cgroup/a/memory.max", "1073741824\n"),
        ];
        assert_eq!(limit(&version_2), (1 << 30, "cgroup"));
    }

    #[test]
    fn a_container_sees_its_group_as_the_root_of_the_mount() {
        let files = [
            MEMORY,
            ("proc/self/cgroup", "4:memory:/docker/123\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n"),
        ];
        assert_eq!(limit(&files), (536_870_912, "cgroup"));
        let files = [MEMORY, ("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "536870912\n")];
        assert_eq!(limit(&files), (536_870_912, "cgroup"));
    }
}
