internal import Glibc

/// Makes a system call again as long as a signal cuts it short.
package func retrying<Number: SignedInteger>(_ call: () -> Number) -> Number {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
