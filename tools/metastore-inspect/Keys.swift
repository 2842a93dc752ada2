import ArgumentParser
import MetastoreCommandLine

/// Completes keys by what the store has.
enum Keys {
    static let completion = CompletionKind.custom { words, index, prefix in
        InspectCompletion.keys(words, prefix: prefix)
    }
}
