"""A call -> what it may cost, what it has cost, and whether there is money for it.

prices.py      what a call costs, and the most that it can cost
price_list.py  what a model costs by the public price list
budget.py      what was spent, may still be billed, may still be sent
claims.py      what one prompt may pay and has paid, and what is left for all
ledger.py      one budget a day for many runs and processes at once
"""
