#if PostgreSQL
    /// How sure the store is of whom it talks to, where the server is on another machine.
    ///
    /// Weaker choices are noticed in the log. Where they are needed because a certificate names another host, have a
    /// certificate issued for the right one instead.
    public enum TransportSecurity: Sendable, Hashable {
        /// The server shows a certificate of a trusted authority for the very name that was asked for.
        case verified
        /// The certificate's authority is checked, its name isn't: every server of that authority is taken for ours.
        case unverifiedName
        /// What is sent is encrypted, for whoever answers: an impostor gets the password.
        case unverified
        /// Nothing is encrypted.
        case plain

        /// libpq's word for the weakest that this allows.
        var mode: String {
            switch self {
            case .verified: "verify-full"
            case .unverifiedName: "verify-ca"
            case .unverified: "require"
            case .plain: "disable"
            }
        }

        /// From the weakest to the strongest.
        static let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

        func allows(_ mode: String) -> Bool {
            guard let asked = Self.modes.firstIndex(of: mode), let least = Self.modes.firstIndex(of: self.mode) else {
                return false
            }
            return asked >= least
        }
    }
#endif
