"""The console's entry: `streamlit run insights_assets/console/app.py`, or with everything else `insights dev`.

Belongs here: the list of pages and what surrounds them. A page is a file in `views/` and a line here.
"""

from __future__ import annotations

import streamlit as st

from insights_assets.console import theme
from insights_assets.console.links import INSIGHT_ID

TODAY = st.Page("views/today.py", title="Today", icon=":material/today:", default=True)
INSIGHT = st.Page("views/insight.py", title="Insight", icon=":material/search_insights:", url_path="insight")
APPROVALS = st.Page("views/approvals.py", title="Approvals", icon=":material/how_to_reg:", url_path="approvals")
TICKETS = st.Page("views/tickets.py", title="Tickets", icon=":material/confirmation_number:", url_path="tickets")
LOOP = st.Page("views/loop.py", title="Loop time", icon=":material/timer:", url_path="loop")
REVIEW = st.Page("views/review.py", title="Review", icon=":material/rate_review:", url_path="review")
HEALTH = st.Page("views/health.py", title="Health", icon=":material/monitor_heart:", url_path="health")
ROI = st.Page("views/roi.py", title="ROI", icon=":material/savings:", url_path="roi")

page = st.navigation([TODAY, APPROVALS, TICKETS, INSIGHT, REVIEW, LOOP, HEALTH, ROI], position="top")
# The tab says which page it is. An emoji is drawn by the browser; a material icon here would be fetched from another host.
st.set_page_config(page_title=f"{page.title} · Insights", page_icon="🔎", layout="wide")
theme.apply()
# A ticket's link may name the console and the insight only.
asked = st.query_params.get("insight", "")
if page == TODAY and INSIGHT_ID.fullmatch(asked):
    st.switch_page(INSIGHT, query_params={"insight": asked})
page.run()
