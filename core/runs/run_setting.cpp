#include "core/runs/run_setting.h"

#include "core/policy/parameters.h"

namespace kvatlas::runs {

std::uint32_t RunSetting::decidesAgainEvery() const {
  return isFull() || budget.full ? 0 : policy::everyOf(setting.parameters);
}

RunSetting makeRunSetting(const policy::MethodRequest& request, const policy::Budget& budget,
                          const policy::Shape& shape, const RunOptions& options) {
  RunSetting run{.request = request, .budget = budget, .setting = {}, .follow = options.follow};
  // What keeps every token is the same for each granularity: one list per KV head.
  const policy::Granularity granularity =
      request.method->keeps_everything ? policy::Granularity::KvHead : options.granularity;
  run.setting = policy::makeSetting(request, shape, budget, granularity, options.preset, options.window);
  return run;
}

}  // namespace kvatlas::runs
