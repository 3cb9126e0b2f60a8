// The published methods as compositions of parts: the order of colours, legends and lists, `full` first.
#include <array>

#include "core/policy/parts.h"

namespace kvatlas::policy {
namespace {

constexpr std::string_view kOff = "off";

constexpr std::array kNamed{
    NamedMethod{.name = "full",
                .title = "Full cache",
                .parts = {"none", kOff, "everything", "everything"},
                .keeps_everything = true},
    NamedMethod{.name = "streamingllm",
                .title = "StreamingLLM",
                .paper = "arXiv:2309.17453",
                .parts = {"none", kOff, "uniform", "sinks"}},
    NamedMethod{
        .name = "h2o", .title = "H2O", .paper = "arXiv:2306.14048", .parts = {"received", kOff, "uniform", "top"}},
    NamedMethod{
        .name = "snapkv", .title = "SnapKV", .paper = "arXiv:2404.14469", .parts = {"window", kOff, "uniform", "top"}},
    NamedMethod{.name = "pyramidkv",
                .title = "PyramidKV",
                .paper = "arXiv:2406.02069",
                .parts = {"window", kOff, "pyramid", "top"}},
    NamedMethod{.name = "random", .title = "Random", .parts = {"random", kOff, "uniform", "top"}},
    NamedMethod{
        .name = "tova", .title = "TOVA", .paper = "arXiv:2401.06104", .parts = {"last-row", kOff, "uniform", "last"}},
    NamedMethod{
        .name = "adakv", .title = "AdaKV", .paper = "arXiv:2407.11550", .parts = {"window", kOff, "adaptive", "top"}},
    NamedMethod{
        .name = "l2norm", .title = "L2 norm", .paper = "arXiv:2406.11430", .parts = {"key-norm", kOff, "skip", "best"}},
    NamedMethod{.name = "observed",
                .title = "Observed attention",
                .paper = "arXiv:2306.14048",
                .parts = {"observed", kOff, "uniform", "best"}},
    NamedMethod{
        .name = "cur", .title = "CurDKV", .paper = "arXiv:2509.15038", .parts = {"cur", kOff, "uniform", "best"}},
};

}  // namespace

std::span<const NamedMethod> namedMethods() {
  return kNamed;
}

}  // namespace kvatlas::policy
