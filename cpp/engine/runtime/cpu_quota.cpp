// Reads the quota where Linux shows it; elsewhere there is none.
#include "engine/runtime/cpu_quota.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

namespace rankgrad {
namespace {

constexpr double kNoQuota = 1e9;

/// Version 2 has "max 100000" or "150000 100000" in one file; version 1 a file for each number, and -1 for no quota.
double quota_in(const std::string& folder) {
    double quota = 0, period = 0;
    std::ifstream file(folder + "/cpu.max");
    if (!(file >> quota >> period)) {
        std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
        std::ifstream(folder + "/cpu.cfs_period_us") >> period;
    }
    return quota > 0 ? quota / period : kNoQuota;
}

/// The least quota of a group and of all groups around it.
double quota_up_from(const std::string& root, std::string group) {
    double least = quota_in(root);
    for (; group.size() > 1; group.erase(group.rfind('/'))) least = std::min(least, quota_in(root + group));
    return least;
}

/// /proc/self/cgroup has "0::/group" (version 2) or "4:cpu,cpuacct:/group" (version 1) per line.
double find_quota() {
    double least = kNoQuota;
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const std::string group = line.substr(second + 1);
        if (controllers == ",,") least = std::min(least, quota_up_from("/sys/fs/cgroup", group));
        if (controllers.find(",cpu,") != std::string::npos)
            least = std::min(least, quota_up_from("/sys/fs/cgroup/cpu", group));
    }
    return least;
}

}  // namespace

int cpu_quota() {
    static const double quota = find_quota();
    return quota < 4096 ? std::max(1, static_cast<int>(std::ceil(quota))) : 0;
}

}  // namespace rankgrad
