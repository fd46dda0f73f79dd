import ChatTemplates
import Diagnostics
import Foundation
import PreciseJSON
import TestKit
import Testing

/// No template crashes or hangs the program.
@Suite struct RobustnessTests {
  private func kind(of source: String, _ variables: JSONObject = JSONObject()) -> TemplateError.Kind? {
    do {
      _ = try ChatTemplate(source: source, name: "t").render([], variables: variables)
      return nil
    } catch let error as TemplateError {
      return error.kind
    } catch {
      Issue.record(error)
      return nil
    }
  }

  @Test func hostileTemplatesReachALimit() {
    let deep = { (open: String, close: String) in
      "{{ " + String(repeating: open, count: 5000) + "1" + String(repeating: close, count: 5000) + " }}"
    }
    let hostile = [
      "{% for a in range(10**9) %}{% endfor %}",
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
      "{{ 'x' * 10**12 }}", "{{ [1] * 10**12 }}", "{{ '%999999999999d' % 1 }}", "{{ '{:999999999}'.format(1) }}",
      deep("(", ")"), deep("[", "]"), deep("-", ""), deep("not ", ""), deep("1 + ", ""), deep("", "|string"),
      deep("", "[0]"), deep("1 if 1 else ", ""), String(repeating: "{% if 1 %}", count: 5000), deep("1 ** ", ""),
    ]
    for source in hostile { #expect(kind(of: source) == .limit, "\(source.prefix(60))") }
  }

  @Test func mutatedTemplatesNeverCrash() throws {
    // A linear congruential generator (Knuth's MMIX constants): the same mutations in every run.
    var state: UInt64 = 42
    func draw(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    let inserted = Array("{}%#-+()[]|.,:'\"~=<> \nafor if endset 0 1 ** // \\ é".unicodeScalars)
    let chat = [
      ChatMessage(role: "system", content: "s"), ChatMessage(role: "user", content: " q "),
      ChatMessage(role: "assistant", content: "<think>\nx\n</think>\n\na"), ChatMessage(role: "user", content: "r"),
    ]
    var rendered = 0
    for name in ["smollm2", "qwen3", "llama3", "mistral", "gemma", "deepseek_r1", "phi3", "zephyr"] {
      let source = Array(
        try String(contentsOfFile: fixture("ChatTemplates/templates/\(name).jinja"), encoding: .utf8).unicodeScalars)
      for _ in 0..<150 {
        var mutated = source
        for _ in 0...draw(3) {
          let place = draw(mutated.count)
          switch draw(3) {
          case 0: mutated.remove(at: place)
          case 1: mutated.insert(inserted[draw(inserted.count)], at: place)
          default: mutated.swapAt(place, draw(mutated.count))
          }
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: mutated)
        do {
          let template = try ChatTemplate(source: String(view), name: name)
          _ = try template.render(chat, addGenerationPrompt: true)
          rendered += 1
          _ = try template.trainedPieces(chat)
        } catch is TemplateError {
        } catch is AssistantSpanError {
        }
      }
    }
    #expect(rendered > 100)
  }

  @Test func errorsTellTheLineTheColumnAndTheExcerpt() throws {
    let error = #expect(throws: TemplateError.self) {
      try ChatTemplate(source: "a\n{% if x %}\n  {{ y | nope }}\n{% endif %}", name: "t.jinja")
        .render([], variables: JSONObject([("x", true), ("y", "z")]))
    }
    #expect(error?.line == 3 && error?.column == 10)
    #expect(
      error?.diagnostics.rendered() == """
        t.jinja:3:10: error: There is no filter `nope`
              {{ y | nope }}
                     ^
        """)
    let syntax = #expect(throws: TemplateError.self) { try ChatTemplate(source: "{% fro x in y %}", name: "t") }
    #expect(
      syntax?.diagnostics.first?.summary == "Invalid chat template: unknown tag `fro`; did you mean `for`")
    #expect(kind(of: "{{ raise_exception('no') }}") == .raised)
    #expect(kind(of: "{% include 'x' %}") == .unsupported)
    #expect(kind(of: "{% for a in b recursive %}{% endfor %}") == .unsupported)
    #expect(kind(of: "{{ '\\ud800' }}") == .syntax)
  }
}
