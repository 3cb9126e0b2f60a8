// What a run is called: its label in files and tables, its title in figures, its name on the command line.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/runs/run_setting.h"

namespace kvatlas::runs {

// "snapkv:kernel=5,pooling=avg", as policy::parseMethod() takes it.
[[nodiscard]] std::string methodLabel(std::string_view method,
                                      const std::map<std::string, std::string, std::less<>>& given);
[[nodiscard]] std::string methodLabel(const policy::MethodRequest& request);
// "snapkv:kernel=5 128"; "full".
[[nodiscard]] std::string labelOf(const RunSetting& run);
// "snapkv@128": one method at one budget.
[[nodiscard]] std::string selectorOf(std::string_view method, std::string_view budget);

// "SnapKV"; the name itself where the method is unknown.
[[nodiscard]] std::string methodTitle(std::string_view method);
// "SnapKV 128"; "Full cache".
[[nodiscard]] std::string titleOf(const RunSetting& run);
// "SnapKV (kernel=5)" of a methodLabel(): the title, then what the label adds to the method.
[[nodiscard]] std::string labelTitle(std::string_view method, std::string_view label);

}  // namespace kvatlas::runs
