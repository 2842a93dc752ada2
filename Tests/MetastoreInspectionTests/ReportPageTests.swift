internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `The page of a report` {
    @Test func `is well-formed, needs nothing but itself, and is the same every time`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            let html = try Inspection.page(path)
            let page = try ParsedPage(html)
            #expect(try html == Inspection.page(path))
            #expect(page.elements("html").contains("html lang 'en'") && page.elements("title").count > 1)
            #expect(page.parts.contains { $0.hasPrefix("meta content") && $0.contains("default-src 'none'") })
            for element in ["script", "link", "img", "iframe", "object", "embed", "form", "base", "video", "audio"] {
                #expect(page.elements(element) == [], "\(element)")
            }
            let attributes = page.parts.map { $0.split(separator: " ").dropFirst().first ?? "" }
            #expect(!attributes.contains { $0.hasPrefix("on") || $0 == "src" || $0 == "style" || $0 == "srcset" })
            // Links lead to places of the page, which are there.
            let ids = Set(page.parts.compactMap { $0.split(separator: " id ").dropFirst().first })
            for link in page.elements("a").filter({ $0.hasPrefix("a href") }) {
                #expect(ids.contains(Substring(link.dropFirst("a href ".count).replacing("#", with: ""))), "\(link)")
            }
            #expect(!html.contains("http:") && !html.contains("https:") && !html.contains("@import"))
            #expect(!html.contains("url(") && !html.contains("{{") && !html.contains("Optional("))
        }
    }

    @Test func `says what the store holds`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            var bounds = ReportData.Bounds()
            (bounds.bestTrials, bounds.curves) = (36, 36)
            let text = try ParsedPage(ReportPage(Inspection.open(path: path).reportData(bounds)).html()).text
            for name in BusyStore.names { #expect(text.contains(name), "\(name)") }
            for word in ["agent-3", "DRAINING", "scheduler", "master-0", "3 of 12 slots used", "166.5 GiB", "layers 4"]
            {
                #expect(text.contains(word), "\(word)")
            }
            #expect(text.contains("trial 4: 4 values not drawn (NaN or infinite)."))
            #expect(text.contains("logarithmic scale") && text.contains("linear scale"))
        }
    }

    /// Of each: what no parser may find in it.
    private static let hostile = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg onload=alert(1)>", "{{place}}",
        "{{{place}}}", "&lt;b&gt;", "--><b>", "</title></style></svg><b>", "javascript:alert(1)",
        // One character with the mark before it: no comparison of characters finds the tag.
        "\u{600}<script>alert(1)</script>", "\u{600}\"\u{600} onmouseover=alert(1)", "\"\u{301} onclick=alert(1)",
        "\u{202E}gnp.exe", "a\u{0}b\u{1}\u{1F}\u{85}\u{FFFE}\u{FFFF}c", "\u{1F3F4}\u{200D}\u{2620}\u{FE0F}",
        String(repeating: "n", count: 10_000), "e" + String(repeating: "\u{301}", count: 10_000),
    ]

    @Test func `makes no markup of what is in a store`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            var script = ""
            for (index, text) in Self.hostile.enumerated() {
                let (quoted, experiment) = (sql(text), index % BusyStore.experiments + 1)
                let column = index < BusyStore.experiments ? "name" : "owner"
                script += """
                    UPDATE experiments SET \(column) = \(quoted), metric = \(quoted) WHERE id = \(experiment);
                    UPDATE agents SET address = \(quoted) WHERE id = 'agent-\(index % 3 + 1)';
                    UPDATE trials SET hparams = \(sql("{\(JSON.quoted(text)):1}")) WHERE id = \(index + 1);

                    """
            }
            script += "UPDATE consumers SET under = \(sql(Self.hostile[1]));"
            try doctor(path, script)
            let html = try Inspection.page(path)
            let clean = try html == Inspection.page(path)
            #expect(clean)
            let page = try ParsedPage(html)
            for element in ["script", "img", "b", "iframe"] { #expect(page.elements(element) == [], "\(element)") }
            #expect(!page.parts.contains { $0.split(separator: " ").dropFirst().first?.hasPrefix("on") == true })
            #expect(page.text.contains("<script>alert(1)</script>") && page.text.contains("\"><img src=x"))
            #expect(page.text.contains("{{place}}") && page.text.contains("&lt;b&gt;"))
            // What turns the direction of writing around, and what no text contains, is named.
            #expect(page.text.contains("⟨U+202E⟩gnp.exe"))
            #expect(page.text.contains("a⟨U+0000⟩b⟨U+0001⟩⟨U+001F⟩⟨U+0085⟩⟨U+FFFE⟩⟨U+FFFF⟩c"))
            #expect(!html.unicodeScalars.contains("\u{202E}") && !html.unicodeScalars.contains("\u{0}"))
            let lines = html.split(separator: "\n").filter { !$0.contains(" d=\"M") }
            #expect(lines.allSatisfy { $0.unicodeScalars.count < 3_000 })
            #expect(page.text.contains("another hash than their own: "))
        }
    }

    /// A NUL would end the statement.
    private func sql(_ text: String) -> String {
        "CAST(X'" + text.utf8.map { String(UInt16($0) + 256, radix: 16).suffix(2) }.joined() + "' AS TEXT)"
    }

    @Test func `draws numbers and times of any size`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            let values = ["1e308", "-1e308", "5e-324", "0", "\"NaN\"", "1", "1e-300", "123456789.123"]
            var script = ""
            for (index, value) in values.enumerated() {
                script += """
                    UPDATE workloads SET metrics = '{"validation_loss":\(value)}' \
                    WHERE kind = 2 AND id % 8 = \(index) AND trial > 12;

                    """
            }
            script += """
                UPDATE workloads SET metrics = '{"accuracy":0.25}' WHERE kind = 2 AND experiment IN (7, 12);
                UPDATE experiments SET progress = 1e300, start_time = \(Int64.min) WHERE id = 1;
                UPDATE experiments SET progress = -1, end_time = \(Int64.max) WHERE id = 2;
                UPDATE trials SET start_time = \(Int64.max), end_time = \(Int64.min) WHERE id = 5;
                UPDATE trials SET best_total_batches = \(Int64.max) WHERE id % 2 = 0;
                UPDATE checkpoints SET size = \(Int64.max);
                UPDATE agents SET last_heartbeat = \(Int64.min);
                UPDATE consumers SET position_revision = \(Int64.min), position_time = \(Int64.max);
                """
            try doctor(path, script)
            let data = try Inspection.open(path: path).reportData()
            #expect(data.missing == [] && Set(data.curves.map(\.metric)) == ["accuracy", "validation_loss"])
            let page = try ParsedPage(ReportPage(data).html())
            let paths = page.parts.filter { $0.hasPrefix("path d") }
            #expect(!paths.isEmpty && !paths.contains { $0.contains("nan") || $0.contains("inf") })
            let places = page.parts.filter { [" x ", " width ", " x1 ", " y "].contains(where: $0.contains) }
            #expect(!places.contains { $0.contains("nan") || $0.contains("inf") || $0.contains("NaN") })
        }
    }

    @Test func `leaves no name of a store unescaped`() throws {
        for name in ["page", "curves", "timeline"] {
            let source = try PackageFile.text("Sources/MetastoreInspection/Report/\(name).html")
            #expect(!source.contains("{{{") && !source.contains("{{&"), "\(name)")
            // A part of a page is escaped as it says itself, not as the page does.
            #expect(source.hasPrefix("{{% CONTENT_TYPE:REPORT}}"), "\(name)")
        }
    }

    @Test func `of an empty store has nothing to show, and says so`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            await (try Metastore.open(.sqlite(path))).close()
            let page = try ParsedPage(try Inspection.page(path))
            #expect(page.text.contains("Clean") && page.text.contains("No experiment, so no time was spent."))
            #expect(page.elements("table") == [] && page.elements("rect") == [])
        }
    }

    @Test func `begins with the verdict and what to do`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await BusyStore.make(path)
            #expect(try ParsedPage(Inspection.page(path)).text.contains("Clean"))
            // Shorter than what the note beside it knows.
            let older = try contents(path)
            let store = try await Metastore.open(.sqlite(path))
            try await store.keyValue.put("n/more", "1")
            let live = try ParsedPage(Inspection.page(path)).text
            #expect(live.contains("In use") && live.contains("read through its own locks"))
            await store.close()
            try write(older, to: path)
            let damaged = try ParsedPage(Inspection.page(path)).text
            #expect(damaged.contains("Damaged") && damaged.contains("1 commit is missing"))
            #expect(damaged.contains("metastore-inspect \(path) check --full"))
            try doctor(path, "UPDATE head SET clean = 0")
            try FileManager.default.removeItem(atPath: path + ".head")
            let revision = try Inspection.open(path: path).reportData().head.revision
            let unclosed = try ParsedPage(Inspection.page(path)).text
            #expect(unclosed.contains("Not closed cleanly: proven up to revision \(revision)"))
            #expect(unclosed.contains("Later commits can be neither shown nor excluded"))
        }
    }
}

/// A file of the package.
enum PackageFile {
    static func text(_ path: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return String(decoding: try contents("/\(root)/\(path)"), as: UTF8.self)
    }
}
