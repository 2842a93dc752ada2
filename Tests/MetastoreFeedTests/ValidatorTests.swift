import Testing

@Suite struct `A validator of histories` {
    private static let truth: Truth = {
        var truth = Truth()
        truth.commits = [
            1: [Event(revision: 1, path: "kv/a/1", before: nil, after: 11)],
            2: [
                Event(revision: 2, path: "kv/a/1", before: 11, after: 12),
                Event(revision: 2, path: "kv/a/2", before: nil, after: 21),
                Event(revision: 2, path: "kv/b/1", before: nil, after: 5),
            ],
            3: [Event(revision: 3, path: "kv/b/1", before: 5, after: nil)],
            4: [Event(revision: 4, path: "kv/a/2", before: 21, after: nil)],
        ]
        truth.last = 4
        return truth
    }()

    private static func history() -> Observation {
        func commit(_ revision: Int64) -> (revision: Int64, events: [Event]) {
            let wanted = truth.commits[revision]!.filter { $0.path.hasPrefix("kv/a/") }
            return (revision, wanted.sorted { $0.path < $1.path })
        }
        return Observation(
            name: "history", start: 0, isWanted: { $0.hasPrefix("kv/a/") },
            batches: [
                .init(isFirstOfConnection: true, commits: [commit(1)], position: 1),
                .init(isFirstOfConnection: true, commits: [commit(2)], position: 2),
                .init(isFirstOfConnection: false, commits: [], position: 3),
                .init(isFirstOfConnection: true, commits: [commit(4)], position: 4),
            ])
    }

    @Test(arguments: Validator.allCases)
    func `passes a history that is right`(_ validator: Validator) {
        #expect(validator.broken(Self.history(), Self.truth) == nil)
    }

    @Test(arguments: Validator.allCases)
    func `sees what is wrong with a spoilt one`(_ validator: Validator) {
        for spoil in Self.spoilers(validator) {
            var history = Self.history()
            spoil(&history)
            #expect(validator.broken(history, Self.truth) != nil)
        }
    }

    private typealias Spoiler = (inout Observation) -> Void

    private static func spoilers(_ validator: Validator) -> [Spoiler] {
        switch validator {
        case .ordered: [{ $0.batches.swapAt(0, 1) }]
        case .unique: [{ $0.batches[2].commits = $0.batches[1].commits }]
        case .reliable: [{ $0.batches.remove(at: 1) }, { $0.batches[1].commits[0].events.removeLast() }]
        case .atomic: [{ $0.batches[1].commits[0].events.removeFirst() }]
        case .resumable: [{ $0.batches[1].commits = $0.batches[0].commits }, { $0.batches[3].position = 1 }]
        case .bookmarkable:
            [
                { $0.batches[2].position = 4 }, { $0.batches[1].position = 1 }, { $0.batches[3].position = 3 },
                { $0.batches[2].position = 2 },
            ]
        case .filtered:
            [
                { $0.batches[2].commits = [(3, Array(truth.commits[3]!))] }, { $0.batches[2].commits = [(3, [])] },
            ]
        case .exact:
            [
                { $0.batches[1].commits[0].events[0] = Event(revision: 2, path: "kv/a/1", before: 99, after: 12) },
                { $0.batches[1].commits[0].events[0] = Event(revision: 2, path: "kv/a/1", before: 11, after: 99) },
                { $0.batches[0].commits = [] },
            ]
        }
    }
}
