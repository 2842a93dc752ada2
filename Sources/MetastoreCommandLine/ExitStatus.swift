/// With what a command ends. The numbers are part of what it promises to scripts.
package enum ExitStatus: Int32, Sendable, CaseIterable {
    /// It is as it should be.
    case success = 0
    /// The answer is no: something is pending, different or broken, as the command's help says.
    case no = 1
    /// A newer release wrote the store.
    case newerSchema = 3
    /// The database's tables aren't what its schema says.
    case drift = 4
    /// The command line can't be understood.
    case usage = 64
    /// What is there contradicts itself.
    case damaged = 65
    /// There is no such store or file.
    case missing = 66
    /// What was asked for can't be made.
    case cannotCreate = 73
    /// A device or a server failed, or has no room.
    case inputOutput = 74
    /// Somebody else holds it, or it doesn't answer: try later.
    case tryLater = 75
    /// The operating system or the server refuses access.
    case permission = 77
}
