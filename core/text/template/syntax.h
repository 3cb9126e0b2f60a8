// A chat template as a tree; knows no values but constants.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/text/template/value.h"

namespace kvatlas::text::jinja {

enum class ExpressionKind {
  Constant,     // value
  Captured,     // what a block around a text has captured: the input of its filters
  Name,         // name
  List,         // parts
  Tuple,        // parts
  Dict,         // parts: key, value, key, value, …
  Attribute,    // parts[0].name
  Item,         // parts[0][parts[1]]
  Slice,        // parts: from, to, step, each may be null
  Call,         // parts[0](parts[1], …); the last words.size() parts are keyword arguments
  Filter,       // parts[0]|name(parts[1], …); likewise
  Test,         // parts[0] is name(parts[1], …); likewise
  Not,          // parts[0]
  Negative,     // parts[0]
  Positive,     // parts[0]
  Arithmetic,   // parts[0] words[0] parts[1] words[1] parts[2] …, from the left
  Concat,       // parts
  Compare,      // parts[0] words[0] parts[1] and parts[1] words[1] parts[2] …
  And,          // parts
  Or,           // parts
  Conditional,  // parts: then, condition, else (may be null)
};

struct Expression;
using ExpressionPointer = std::unique_ptr<const Expression>;

struct Expression {
  ExpressionKind kind = ExpressionKind::Constant;
  std::uint32_t line = 1;
  std::string name;
  Value value;
  std::vector<ExpressionPointer> parts;
  std::vector<std::string> words;
  unsigned depth = 1;  // of the tree below
};

struct Statement;
using Block = std::vector<Statement>;

enum class StatementKind {
  Data,         // text
  Output,       // value
  If,           // branches
  For,          // targets in value if condition: body, else otherwise
  Set,          // targets = value
  SetBlock,     // targets, body through value (filters of Captured, may be null)
  Macro,        // text: the name; targets: parameters; defaults: of the last of them; body
  FilterBlock,  // body through value
  Scope,        // body with names of its own: {% generation %}
  With,         // targets[i] = defaults[i]; body
  Break,
  Continue
};

// A name, a member of a namespace, or several in brackets.
struct Target {
  std::string name, member;   // member: of the namespace `name`
  std::vector<Target> parts;  // a tuple of targets
  bool is_tuple = false;
};

struct Branch {
  ExpressionPointer condition;  // null: else
  std::unique_ptr<Block> body;
};

struct Statement {
  StatementKind kind = StatementKind::Data;
  std::uint32_t line = 1;
  std::string text;
  ExpressionPointer value, condition;
  std::vector<Target> targets;
  std::vector<ExpressionPointer> defaults;
  std::vector<Branch> branches;
  std::unique_ptr<Block> body, otherwise;
};

}  // namespace kvatlas::text::jinja
