#include "capture/recorder/existing_output.h"

#include <filesystem>
#include <vector>

#include "core/base/error.h"
#include "core/trace/reader.h"
#include "core/trace/space.h"

namespace kvatlas::capture {
namespace {

namespace fs = std::filesystem;

bool isSame(const fs::path& a, const fs::path& b) {
  std::error_code code;
  return !a.empty() && fs::equivalent(a, b, code) && !code;
}

// Files of a model's folder are inputs, whether this capture reads them or not.
bool isOfModel(const fs::path& output, const fs::path& model) {
  std::error_code code;
  if (!fs::is_directory(model, code)) return isSame(output, model);
  for (const auto& entry : fs::directory_iterator(model, code))
    if (isSame(output, entry.path()) && !entry.path().string().ends_with(".kva.h5")) return true;
  return false;
}

// "a trace of 1204 tokens under 5 runs (12 MB), made 2026-01-02T03:04:05Z".
std::string describe(const fs::path& file) {
  std::error_code code;
  const std::string size = trace::sizeText(fs::file_size(file, code));
  try {
    const trace::Reader reader(file);
    const std::size_t runs = reader.header().runs.size();
    std::string notes;
    try {
      if (reader.notes().find_first_not_of('\n') != std::string::npos) notes = " and notes";
    } catch (const Error&) {
      // Unreadable notes are no notes.
    }
    return fmt::format("a trace of {} tokens under {} run{}{} ({}), made {}", reader.tokens(), runs,
                       runs == 1 ? "" : "s", notes, size, reader.header().created);
  } catch (const Error&) {
    return fmt::format("a file that is no readable trace ({})", size);
  }
}

}  // namespace

void requireFreeName(const CaptureOptions& options, const fs::path& output) {
  std::error_code code;
  if (!fs::is_regular_file(fs::symlink_status(output, code))) return;  // checked elsewhere
  const PromptOptions& prompt = options.session.prompt;
  for (const fs::path& input : {prompt.file, prompt.ids_file})
    if (isSame(output, input)) failUsage("-o {}: is the prompt of this capture", output.string());
  if (isOfModel(output, options.session.model)) failUsage("-o {}: is a file of the model", output.string());
  if (!options.replace)
    failUsage("-o {}: exists: {}; choose another name, or --force to replace it", output.string(), describe(output));
}

}  // namespace kvatlas::capture
