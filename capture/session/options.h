// The options of a capture or generation: plain values, so that the command line fills them without libtorch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/policy/policy.h"
#include "core/runs/names.h"

namespace kvatlas::capture {

using runs::Compress;
using runs::Follow;

struct SpanRequest {
  std::string name, text;  // every occurrence of text in the prompt becomes a span of that name
};

struct PromptOptions {
  std::filesystem::path file, ids_file;  // at most one of file, ids_file, text
  std::optional<std::string> text;
  std::string chat;       // "", "auto", "llama2", "llama3", "mistral"
  std::string chat_date;  // date for the chat template, "2026-03-31"; "": today
  std::string system;     // system message, with chat only
  std::vector<SpanRequest> spans;
  // Behind the text (in the user's turn of a chat): each is one capture. With an ids file, names of files of ids.
  std::vector<std::string> questions;
  Compress compress = Compress::Prompt;
};

struct SessionOptions {
  std::filesystem::path model;
  PromptOptions prompt;
  std::vector<policy::MethodRequest> methods;  // `full` is always run as the reference
  std::vector<policy::Budget> budgets;
  policy::Granularity granularity = policy::Granularity::KvHead;
  policy::Preset preset = policy::Preset::Exact;
  std::uint32_t window = 8;
  std::uint32_t max_new_tokens = 64;
  Follow follow = Follow::Own;
  bool measure = true;  // compare every branch with the full cache at each step: KL, retained mass, oracle
  std::string device = "auto", dtype = "auto";
  std::uint64_t seed = 0;
  unsigned threads = 0;  // 0: all processors
};

struct CaptureOptions {
  SessionOptions session;
  std::filesystem::path output;
  bool replace = false;                              // a trace that has the output's name
  std::optional<std::vector<std::uint32_t>> layers;  // recorded layers; empty: all
  std::uint32_t map_size = 512;                      // 0: no maps
  bool keep_qk = false;
  std::optional<std::vector<std::uint32_t>> qk_layers;  // with keep_qk: only of these; empty: all recorded
  std::optional<std::vector<std::uint32_t>> heads;      // recorded query heads; empty: all
  bool quiet = false, json = false;
};

}  // namespace kvatlas::capture
