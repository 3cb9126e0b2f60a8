#include "views/models/document/what_if.h"

#include <QElapsedTimer>
#include <algorithm>

#include "core/base/error.h"
#include "views/models/document/pool_task.h"

namespace kvatlas::views {
namespace {

constexpr std::size_t kInFlight = 3;                       // layers read or ranked concurrently
constexpr std::uint64_t kAtOnce = std::uint64_t{1} << 22;  // up to this many kept positions, decide synchronously
constexpr std::uint32_t kWholeDepth = 32'768;              // rank shorter prompts fully

// The depth to rank, with room for the budget to grow before a new ranking is needed.
std::uint32_t depthFor(std::uint32_t needed, std::uint32_t tokens) {
  return tokens <= kWholeDepth ? tokens : std::max(2 * needed, kWholeDepth / 4);
}

}  // namespace

struct WhatIf::Build {
  analysis::Redecision wanted;
  std::string key;
  std::uint32_t depth = 0;
  std::shared_ptr<Layers> layers;
  std::size_t next = 0, done = 0;
};

WhatIf::WhatIf(Document& document, QObject* parent) : QObject(parent), m_document(document) {
  connect(&document, &Document::opened, this, &WhatIf::forget);
  connect(&document, &Document::closed, this, &WhatIf::forget);
}

WhatIf::~WhatIf() {
  m_document.thread().cancelGroup(m_group);
}

// Another trace was opened; the document has already removed the run.
void WhatIf::forget() {
  stopBuild();
  ++m_epoch;
  m_ranked = {};
  m_sums = nullptr;
  m_estimate_again = false;
  m_rule.reset();
  m_again = false;
  m_id = kNoRun;
}

void WhatIf::remove() {
  stopBuild();
  ++m_epoch;
  m_again = false;
  m_rule.reset();
  if (m_id != kNoRun) m_document.removeWhatIf(m_id);
  m_id = kNoRun;
}

void WhatIf::ask(const WhatIfRequest& request) {
  if (!m_document.isOpen()) return refuse("No trace is open.");
  m_request = request;
  m_rule.reset();
  try {
    m_rule = resolve(request, shapeOf(m_document.model(), m_document.tokens()));
  } catch (const Error& error) {
    return refuse(error.what());
  }
  const analysis::Redecision wanted = redecisionOf(request, *m_rule);
  const DocumentIndex& index = m_document.index();
  if (const std::string why = analysis::obstacleTo(wanted, index.header.attention, index.recorded); !why.empty())
    return refuse(why);
  m_key = analysis::scoreKey(wanted);
  if (!wanted.readsScores() || m_key == m_ranked.key) {
    stopBuild();
    return decide();
  }
  if (m_build && m_build->key == m_key) return;  // on completion it uses the latest request
  build(depthFor(static_cast<std::uint32_t>(m_rule->setting.budget), m_rule->setting.shape.tokens));
}

void WhatIf::refuse(const std::string& message) {
  m_rule.reset();
  stopBuild();
  emit failed(QString::fromStdString(message));
}

void WhatIf::build(std::uint32_t depth) {
  stopBuild();
  auto fresh = std::make_shared<Build>();
  fresh->wanted = redecisionOf(m_request, *m_rule);
  fresh->key = m_key;
  fresh->depth = depth;
  fresh->layers = std::make_shared<Layers>(m_rule->setting.shape.layers);
  m_build = fresh;
  m_group = m_document.thread().newGroup();
  emit busyChanged();
  for (std::size_t i = 0; i < kInFlight; ++i) readNext(fresh);
}

void WhatIf::stopBuild() {
  if (!m_build) return;
  m_document.thread().cancelGroup(m_group);
  m_build = nullptr;
  emit busyChanged();
}

void WhatIf::readNext(const std::shared_ptr<Build>& build) {
  if (build->next >= build->layers->size()) return;
  const LayerIndex layer(build->next++);
  const auto read = [layer, wanted = build->wanted](const trace::Reader& reader) {
    return analysis::readSignals(reader, layer, wanted.needs(), wanted.setting.window);
  };
  m_document.post({Priority::Background, m_group}, read, this, [this, build, layer](Answer<SignalValues> answer) {
    if (build != m_build) return;
    if (!answer) return refuse(answer.error);
    auto values = std::make_shared<SignalValues>(std::move(*answer.value));
    // Copies the request and the rule: a running build is immutable.
    runInPool(
        this, [build, layer, values] { return analysis::rankSignals(build->wanted, layer, *values, build->depth); },
        [this, build, layer](const PoolResult<policy::RankedLayer>& ranked) {
          if (build != m_build) return;
          if (!ranked.value) return refuse(ranked.error);
          layerRanked(build, layer.value, ranked.value);
        });
  });
}

void WhatIf::layerRanked(const std::shared_ptr<Build>& build, std::size_t layer,
                         const std::shared_ptr<policy::RankedLayer>& ranked) {
  (*build->layers)[layer] = std::move(*ranked);
  ++build->done;
  emit progress(static_cast<int>(build->done), static_cast<int>(build->layers->size()));
  if (build != m_build) return;
  if (build->done < build->layers->size()) return readNext(build);
  m_ranked = {build->key, build->layers};
  m_build = nullptr;
  emit busyChanged();
  if (m_rule && m_key == m_ranked.key) decide();
}

void WhatIf::decide() {
  if (m_deciding) {
    m_again = true;
    return;
  }
  const auto layers = m_ranked.layers ? m_ranked.layers : std::make_shared<const Layers>();
  const auto work = [request = m_request, rule = *m_rule, layers] {
    QElapsedTimer timer;
    timer.start();
    auto result = policy::decideRanked(*rule.method, rule.setting, *layers);
    return std::pair{std::move(result), static_cast<double>(timer.nsecsElapsed()) / 1e6};
  };
  const policy::Setting& setting = m_rule->setting;
  const std::uint64_t kept = setting.budget * setting.heads() * setting.shape.layers;
  if (kept <= kAtOnce) {
    auto [result, milliseconds] = work();
    m_milliseconds = milliseconds;
    return finish(m_request, *m_rule, result);
  }
  m_deciding = true;
  emit busyChanged();
  runInPool(this, work, [this, request = m_request, rule = *m_rule, epoch = m_epoch](const auto& answer) {
    m_deciding = false;
    emit busyChanged();
    const bool again = std::exchange(m_again, false);
    if (epoch != m_epoch || !m_rule) return again && m_rule && !m_build ? decide() : void();
    if (!answer.value) return refuse(answer.error);
    m_milliseconds = answer.value->second;
    finish(request, rule, answer.value->first);
    if (again && m_rule && !m_build) decide();
  });
}

void WhatIf::finish(const WhatIfRequest& request, const KeepRule& rule, const policy::RankedDecision& result) {
  if (!result.decision) return build(depthFor(result.needed_depth, rule.setting.shape.tokens));
  try {
    if (m_id == kNoRun) m_id = m_document.newWhatIf();
    m_document.putWhatIf(runOf(m_id, request, rule, *result.decision, m_document.index()));
  } catch (const Error& error) {  // the trace names something unknown
    return refuse(error.what());
  }
  emit decided();
  estimate();
}

// Reads the attention of the last queries once, layer by layer, then estimates each decision in the pool.
void WhatIf::estimate() {
  if (!m_document.isOpen() || !canEstimate(m_document.header())) return;
  if (!m_sums) {
    m_sums = std::make_shared<WindowSums>(m_document.model().layers);
    m_sums_read = 0;
    return readNextSums();
  }
  if (m_sums_read < m_sums->size()) return;  // continues when they are read
  if (m_estimating) {
    m_estimate_again = true;
    return;
  }
  const RunPointer run = m_document.hasRun(m_id) ? m_document.run(m_id) : nullptr;
  if (!run || run->retained_estimated) return;
  m_estimating = true;
  runInPool(
      this,
      [run, sums = m_sums, window = m_document.header().attention.window] {
        return withRetainedEstimate(*run, *sums, window);
      },
      [this, run](const PoolResult<RunPointer>& result) {
        m_estimating = false;
        if (result.value && m_document.hasRun(m_id) && m_document.run(m_id) == run) {
          m_document.putWhatIf(*result.value);
          emit estimated();
        }
        if (std::exchange(m_estimate_again, false)) estimate();
      });
}

void WhatIf::readNextSums() {
  const LayerIndex layer(m_sums_read);
  m_document.post(
      {Priority::Background}, [layer](const trace::Reader& reader) { return windowSumsOf(reader, layer); }, this,
      [this, layer, sums = m_sums](Answer<std::vector<float>> answer) {
        if (sums != m_sums || !sums) return;
        if (answer) (*sums)[layer.value] = std::move(*answer.value);
        ++m_sums_read;
        m_sums_read < sums->size() ? readNextSums() : estimate();
      });
}

}  // namespace kvatlas::views
