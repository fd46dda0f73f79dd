import ChatTemplates
import Diagnostics
import Testing

/// Filters and tests that do not exist are found where jinja2 3.1 finds them: when it compiles, unless an `if` guards them.
@Suite struct NameTests {
  @Test(arguments: [
    ("{{ x|nope }}", false), ("{{ x is nope }}", false), ("{{ x.a(b|nope) }}", false),
    ("{{ [{'a': (x|nope)}] }}", false),
    ("{% for a in b if a is nope %}{% endfor %}", false), ("{% for a in b %}{% else %}{{ x|nope }}{% endfor %}", false),
    ("{% macro f(a=x|nope) %}{% endmacro %}", false), ("{% macro f() %}{{ x|nope }}{% endmacro %}", false),
    ("{% filter nope %}{% endfilter %}", false), ("{% if x %}{% filter nope %}{% endfilter %}{% endif %}", false),
    ("{% if x %}{% for a in b %}{{ a|nope }}{% endfor %}{% endif %}", false),
    ("{% if x %}{% set a %}{{ x|nope }}{% endset %}{% endif %}", false),
    ("{% if x %}{% set a|nope %}{% endset %}{% endif %}", false),
    ("{% if x %}{% with a = x %}{{ a|nope }}{% endwith %}{% endif %}", false),
    ("{% generation %}{{ x|nope }}{% endgeneration %}", false),
    ("{% if x %}{{ x|nope }}{% endif %}", true), ("{% if x|nope %}{% endif %}", true),
    ("{% if x %}{% else %}{{ x|nope }}{% endif %}", true), ("{% if x %}{% elif x is nope %}{% endif %}", true),
    ("{% if x %}{% for a in b|nope %}{% endfor %}{% endif %}", true),
    ("{% if x %}{% set a = x|nope %}{% endif %}", true),
    ("{% if x %}{% with a = x|nope %}{% endwith %}{% endif %}", true), ("{{ (x|nope) if x else 1 }}", true),
    ("{{ 1 if x is nope else 1 }}", true), ("{{ [1, (x|nope if x)] }}", true),
    ("{% for a in b %}{% if a %}{{ a|nope }}{% endif %}{% endfor %}", true), ("{{ true or x|nope }}", true),
    ("{{ false and x|nope }}", true), ("{{ x|map('nope') }}", true), ("{{ x|urlize }}", true),
  ]) func namesAreLookedUpWhenATemplateIsRead(source: String, isRead: Bool) {
    var words: String?
    do { _ = try ChatTemplate(source: source, name: "t") } catch { words = diagnostics(of: error).first?.summary }
    #expect((words == nil) == isRead, "\(source): \(words ?? "")")
    #expect(isRead || words?.hasPrefix("There is no ") == true, "\(source): \(words ?? "")")
  }

  @Test func theNearestNameAndThePlace() throws {
    let error = #expect(throws: TemplateError.self) { try ChatTemplate(source: "a\n {{ x|trimm }}", name: "t") }
    #expect(error?.words == "There is no filter `trimm`; did you mean `trim`" && error?.line == 2 && error?.column == 7)
  }
}
