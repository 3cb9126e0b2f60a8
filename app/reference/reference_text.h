// The texts made from a command tree. Pure functions: the same options give the same bytes.
#pragma once

#include <string>

#include "app/reference/command_tree.h"

namespace kvatlas::app {

// One command's page for section 1 (roff, UTF-8); its file is `command.name('-') + ".1"`.
[[nodiscard]] std::string manualPage(const ReferenceCommand& command);

// Completion scripts of a programme with all its commands. Values without known choices complete as file names.
[[nodiscard]] std::string bashCompletion(const ReferenceCommand& programme);
[[nodiscard]] std::string zshCompletion(const ReferenceCommand& programme);
[[nodiscard]] std::string fishCompletion(const ReferenceCommand& programme);

// What a hidden option prints: kind is "man", "bash", "zsh" or "fish". UsageError for any other.
[[nodiscard]] std::string referenceText(const ReferenceCommand& programme, const std::string& kind);

// "kvatlas_explorer": a shell function's name.
[[nodiscard]] std::string functionName(const ReferenceCommand& programme);
// The text in single quotes of a shell.
[[nodiscard]] std::string shellQuoted(const std::string& text);

}  // namespace kvatlas::app
