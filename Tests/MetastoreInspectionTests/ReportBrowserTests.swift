internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreInspection
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// The pages and what they look like stay beside the tests' binary, in `report`.
@Suite(.serialized, .timed) struct `The page in a browser` {
    private let place = CrashProcess.directory + "/report"
    private static let sizes = [(width: 1280, height: 900), (width: 390, height: 844)]

    private func chromium(_ words: String...) throws -> [String] {
        let flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        let network = ["--disable-background-networking", "--disable-component-update"]
        return try output(
            ["timeout", "300", "chromium"] + flags + network + ["--user-data-dir=\(place)/profile"] + words)
    }

    private func prepare(_ name: String) async throws -> String {
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let file = "\(place)/\(name).html"
        try await withScratch { root in
            let path = root + "/metastore.db"
            switch name {
            case "busy": try await BusyStore.make(path)
            case "full": try await FullStore.make(in: .sqlite(path), more: 400)
            default: await (try Metastore.open(.sqlite(path))).close()
            }
            if name == "full" {
                let long = String(repeating: "unbreakable", count: 900)
                try doctor(path, "UPDATE experiments SET name = '\(long)', owner = name, pool = name, metric = name")
                try doctor(path, "UPDATE agents SET version = '\(long)', address = '\(long)'")
            }
            try write(Array(try Inspection.page(path).utf8), to: file)
        }
        return file
    }

    @Test(arguments: ["busy", "full", "empty"], [0, 1])
    func `never scrolls sideways, and follows the reader's light`(_ name: String, _ light: Int) async throws {
        let page = String(decoding: try contents(try await prepare(name)), as: UTF8.self)
        // The page forbids scripts; a copy that doesn't measures itself.
        let policy = try #require(page.firstRange(of: "default-src 'none'; style-src 'unsafe-inline'; img-src data:"))
        let open = page.replacingCharacters(policy, with: "img-src data:")
        let measured = open.replacing("</body>", with: "<script>\(Self.measuring)</script></body>")
        try write(Array(measured.utf8), to: "\(place)/measured.html")
        let frames = Self.sizes.map {
            "<iframe src=\"measured.html\" width=\"\($0.width)\" height=\"\($0.height)\"></iframe>"
        }
        try write(Array((frames.joined() + "<script>\(Self.listening)</script>").utf8), to: "\(place)/frames.html")
        let dom = try chromium(
            "--blink-settings=preferredColorScheme=\(light)", "--virtual-time-budget=10000", "--dump-dom",
            "file://\(place)/frames.html"
        ).joined(separator: "\n")
        for (width, _) in Self.sizes {
            let found = try #require(dom.firstRange(of: "[\(width)]"), "\(dom.suffix(600))")
            let words = dom[found.upperBound...].prefix { $0 != "<" }.split(separator: " ")
            #expect(words.first == "wide=\(width)" && words.dropFirst().first == "beyond=none", "\(name): \(words)")
            #expect(words.contains(light == 1 ? "ground=255,255,255" : "ground=17,21,27"), "\(words)")
            #expect(words.contains("faint=none"), "\(words)")
        }
    }

    @Test(arguments: [0, 1])
    func `is drawn wide and narrow, in light and dark`(_ light: Int) async throws {
        let file = try await prepare("busy")
        for (width, height) in Self.sizes {
            let picture = "\(place)/\(width)-\(light == 1 ? "light" : "dark").png"
            try? FileManager.default.removeItem(atPath: picture)
            let frame = "<iframe src=\"file://\(file)\" style=\"border:0\" width=\"\(width)\" height=\"\(height)\">"
            try write(Array("<body style=\"margin:0\">\(frame)".utf8), to: "\(place)/frame.html")
            _ = try chromium(
                "--blink-settings=preferredColorScheme=\(light)", "--window-size=\(width),\(height)",
                "--screenshot=\(picture)", "file://\(place)/frame.html")
            let bytes = try contents(picture)
            // An empty page of this size takes less than a tenth of it.
            #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) && bytes.count > 30_000, "\(picture): \(bytes.count)")
        }
    }

    /// How wide it is, which elements stand out of it, what colour it has, and which texts can hardly be read.
    private static let measuring = """
        addEventListener("load", () => {
          const wide = document.documentElement.clientWidth;
          const rgb = (text) => (text.match(/[0-9.]+/g) || []).slice(0, 3).map(Number);
          const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
            .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const ground = (e) => {
            for (; e; e = e.parentElement) {
              const found = getComputedStyle(e).backgroundColor;
              if (!/, 0\\)|transparent/.test(found)) return rgb(found);
            }
            return [255, 255, 255];
          };
          const beyond = [], faint = [];
          for (const e of document.body.querySelectorAll("*")) {
            const box = e.getBoundingClientRect();
            if (box.width > 0 && box.right > wide + 1 && !e.closest(".scroll > *"))
              beyond.push(e.tagName + "." + e.className);
            const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
            if (!own || ["title", "script"].includes(e.tagName.toLowerCase())) continue;
            const style = getComputedStyle(e);
            const isDrawing = e instanceof SVGElement;
            const a = light(rgb(isDrawing ? style.fill : style.color)), b = light(ground(e));
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (contrast < 4.5) faint.push(e.tagName + "." + (e.className.baseVal ?? e.className));
          }
          const list = (found) => found.length ? found.slice(0, 5).join(",").replaceAll(" ", ".") : "none";
          parent.postMessage(`[${innerWidth}]wide=${document.documentElement.scrollWidth} beyond=${list(beyond)} ` +
            `ground=${rgb(getComputedStyle(document.body).backgroundColor)} faint=${list(faint)}`, "*");
        });
        """

    private static let listening = """
        addEventListener("message", (told) => {
          const line = document.createElement("pre");
          line.textContent = told.data;
          document.body.append(line);
        });
        """
}

extension String {
    fileprivate func replacingCharacters(_ range: Range<String.Index>, with text: String) -> String {
        var copy = self
        copy.replaceSubrange(range, with: text)
        return copy
    }
}
