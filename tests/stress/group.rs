//! A cgroup with a limit of memory and without swap, for one process. Needs root.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// A child of the test's own cgroup. Dropping it removes the group; its processes must have ended.
#[derive(Debug)]
pub struct Group {
    folder: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Group {
    /// Makes a group with at most `bytes` of memory.
    ///
    /// # Errors
    /// When the system has no controller of memory, or does not let this user make a group.
    pub fn new(bytes: u64) -> io::Result<Self> {
        let (own, version) = own_group()?;
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = own.join(format!("pentimento-stress-{}-{n}", process::id()));
        if version == Version::V2 {
            // Fails in a group that has processes of its own; then the parent may already give its children memory.
            let _ = fs::write(own.join("cgroup.subtree_control"), "+memory");
        }
        fs::create_dir(&folder)?;
        let group = Self { folder, version };
        match version {
            Version::V1 => {
                group.write("memory.limit_in_bytes", bytes)?;
                // Memory and swap together. The file is missing if the kernel does not count swap.
                let _ = group.write("memory.memsw.limit_in_bytes", bytes);
                let _ = group.write("memory.swappiness", 0);
            }
            Version::V2 => {
                group.write("memory.max", bytes)?;
                let _ = group.write("memory.swap.max", 0);
            }
        }
        Ok(group)
    }

    /// The file that takes the group's processes.
    pub fn members(&self) -> File {
        File::options().write(true).open(self.folder.join("cgroup.procs")).unwrap()
    }

    /// How many processes of the group the kernel has killed for lack of memory.
    pub fn kills(&self) -> u64 {
        let name = if self.version == Version::V1 { "memory.oom_control" } else { "memory.events" };
        let text = fs::read_to_string(self.folder.join(name)).unwrap();
        let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        kills.expect("the kernel counts kills").trim().parse().unwrap()
    }

    /// Most memory that the group has taken, with files in the page cache, in bytes.
    pub fn peak_bytes(&self) -> Option<u64> {
        let name = if self.version == Version::V1 { "memory.max_usage_in_bytes" } else { "memory.peak" };
        fs::read_to_string(self.folder.join(name)).ok()?.trim().parse().ok()
    }

    fn write(&self, name: &str, value: u64) -> io::Result<()> {
        fs::write(self.folder.join(name), value.to_string())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The kernel empties a group some time after its processes have ended.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        eprintln!("the cgroup {} stays behind", self.folder.display());
    }
}

/// The folder of the test's own group that controls memory.
fn own_group() -> io::Result<(PathBuf, Version)> {
    let lines = fs::read_to_string("/proc/self/cgroup")?;
    let path = |controllers: &str| {
        let mut fields = lines.lines().map(|line| line.splitn(3, ':').collect::<Vec<_>>());
        fields.find_map(|f| {
            f[1].split(',').any(|name| name == controllers).then(|| f[2].trim_start_matches('/').to_owned())
        })
    };
    if let Some(own) = path("memory") {
        return Ok((Path::new("/sys/fs/cgroup/memory").join(own), Version::V1));
    }
    let own = path("").ok_or_else(|| io::Error::other("the process is in no cgroup"))?;
    let folder = Path::new("/sys/fs/cgroup").join(own);
    let controllers = fs::read_to_string(folder.join("cgroup.controllers"))?;
    if !controllers.split_whitespace().any(|name| name == "memory") {
        return Err(io::Error::other(format!("{} has no controller of memory", folder.display())));
    }
    Ok((folder, Version::V2))
}
