// Writes one trace file: temporary name, SWMR, renamed when complete. Use from one thread. No torch or Qt.
#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "core/base/claimed_file.h"
#include "core/trace/records.h"

namespace kvatlas::trace {

// Creates every object first, then starts single-writer/multiple-reader mode, so that flushed data survives a
// kill. The file is "<target>.part" until finish() renames it. Every call throws Error naming
// the target when the disk is full or not writable.
class Writer {
 public:
  // Keep: a file of the target's name stays; finish() then fails and names the finished trace.
  Writer(std::filesystem::path target, const TraceHeader& header,
         ClaimedFile::Existing existing = ClaimedFile::Existing::Replace);
  ~Writer();  // an unfinished file stays as "<target>.part" with status "recording"
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void writeLayer(const LayerRecord& record);              // flushed
  void writeNextLogits(const std::vector<float>& logits);  // [vocab]
  void writeExperts(const ExpertUse& use);                 // of a model with experts
  // Of a run that is still decoding: its next steps. writeRun() then brings those after the last block.
  void appendSteps(std::size_t run, const StepBlock& block);
  void writeRun(std::size_t run, const RunRecord& record);  // flushed
  void finish();                                            // status "complete", fsync, rename
  // A signal of a pass behind the prefill, of a layer that was written before; flushed.
  void writeSignal(LayerIndex layer, Signal signal, std::span<const float> values);
  [[nodiscard]] const std::filesystem::path& partPath() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// Upper estimate of the file's bytes (including decoding up to max_new_tokens).
[[nodiscard]] std::uint64_t expectedFileBytes(const TraceHeader& header, std::uint64_t max_new_tokens);

}  // namespace kvatlas::trace
