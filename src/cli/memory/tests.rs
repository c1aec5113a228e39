//! The sums over a small memory map.

use super::*;

#[test]
fn mappings_are_added_up() {
    let smaps = "\
5581e000-5581f000 r--p 00000000 fe:01 1234                       /usr/bin/a program
Size:                  8 kB
Rss:                   4 kB
Pss:                   2 kB
Private_Clean:         1 kB
Private_Dirty:         0 kB
VmFlags: rd mr mw me
7ffd0000-7ffd1000 rw-p 00000000 00:00 0                          [stack]
Size:                100 kB
Rss:                  12 kB
Pss:                  12 kB
Private_Clean:         0 kB
Private_Dirty:        12 kB
Anonymous:            12 kB
";
    let kib = 1 << 10;
    assert_eq!(
        Memory::parse(smaps),
        Some(Memory {
            resident: 16 * kib,
            proportional: 14 * kib,
            private: 13 * kib,
            anonymous: 12 * kib,
            files_mapped: 8 * kib,
            files_resident: 4 * kib,
        })
    );
    assert_eq!(Memory::parse(""), None);
}
