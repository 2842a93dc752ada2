internal import Glibc

/// `renameat2`, which the headers show to GNU sources only: looked up in the C library, once.
enum RenameNoReplace {
    private typealias Function =
        @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32

    private static let function: Function? = dlsym(nil, "renameat2").map {
        // The signature is that of renameat2(2).
        unsafeBitCast($0, to: Function.self)
    }

    /// RENAME_NOREPLACE of linux/fs.h.
    private static let flag: UInt32 = 1

    /// As the system call: -1 and `errno` when it fails.
    static func call(_ folder: Int32, _ from: String, _ to: String) -> Int32 {
        guard let function else {
            errno = ENOSYS
            return -1
        }
        return function(folder, from, folder, to, flag)
    }
}
